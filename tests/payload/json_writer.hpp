// Just enough JSON output for the probe, without iostream or locale.
#pragma once

#include <cstdio>
#include <string>

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(const std::string& name) {
    separate();
    quote(name);
    text_ += ':';
    fresh_ = true;
  }
  void value(const std::string& text) {
    separate();
    quote(text);
  }
  void value(long long number) {
    separate();
    text_ += std::to_string(number);
  }
  void value(unsigned long long number) {
    separate();
    text_ += std::to_string(number);
  }
  /// A document that is JSON already.
  void raw(const std::string& document) {
    separate();
    text_ += document;
  }
  template <class T>
  void field(const std::string& name, T content) {
    key(name);
    value(content);
  }
  void number(const std::string& name, long long content) { field(name, content); }
  const std::string& text() const { return text_; }

 private:
  void open(char bracket) {
    separate();
    text_ += bracket;
    fresh_ = true;
  }
  void close(char bracket) {
    text_ += bracket;
    fresh_ = false;
  }
  void separate() {
    if (!fresh_) text_ += ',';
    fresh_ = false;
  }
  void quote(const std::string& text) {
    text_ += '"';
    for (char c : text) {
      auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\')
        (text_ += '\\') += c;
      else if (byte < 0x20)
        escape(byte);
      else
        text_ += c;
    }
    text_ += '"';
  }
  void escape(unsigned char byte) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", byte);
    text_ += buffer;
  }
  std::string text_;
  bool fresh_ = true;
};
