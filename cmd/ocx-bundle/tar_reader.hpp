// The entries of a tar archive: ustar, pax with extended attributes, GNU with sparse files and long names.
#pragma once

#include <string>

#include "cmd/ocx-bundle/entry.hpp"
#include "cmd/ocx-bundle/stream.hpp"

struct archive_entry;

namespace ocx::bundle {

class TarReader : public EntrySource {
 public:
  /// `input` is not compressed. Error: it is no tar archive.
  explicit TarReader(Stream& input);
  bool next(Entry& entry) override;
  bool read(Piece& piece) override;

 private:
  /// Remembers how the archive ended.
  class Tail : public Stream {
   public:
    explicit Tail(Stream& inner) : inner_(inner) {}
    std::string_view read() override;
    bool is_cut_off() const;

   private:
    Stream& inner_;
    std::string last_;
    bool ended_ = false;
  };

  Tail tail_;
  ArchiveReader reader_;
};

}  // namespace ocx::bundle
