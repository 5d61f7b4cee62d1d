#include "cmd/ocx-bundle/stream.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/spawn.hpp"

namespace ocx::bundle {
namespace {

constexpr std::size_t chunk = 256U * 1024;

struct Compression {
  std::string_view magic;
  int filter;
};
constexpr Compression compressions[] = {
    {"\x1f\x8b", ARCHIVE_FILTER_GZIP},
    {std::string_view("\xfd"
                      "7zXZ\0",
                      6),
     ARCHIVE_FILTER_XZ},
    {"\x28\xb5\x2f\xfd", ARCHIVE_FILTER_ZSTD},
    {"BZh", ARCHIVE_FILTER_BZIP2},
};

int filter_of(std::string_view begin) {
  for (const Compression& known : compressions)
    if (begin.starts_with(known.magic)) return known.filter;
  return ARCHIVE_FILTER_NONE;
}

}  // namespace

FileStream::FileStream(sys::FdRef fd, Meter& meter)
    : fd_(fd), meter_(meter), may_block_(!S_ISREG(sys::fstat(fd).st_mode)) {}

std::string_view FileStream::read() {
  if (may_block_) meter_.wait_readable(fd_);
  buffer_.clear();
  while (sys::read_some(fd_, buffer_, chunk) == sys::ReadOutcome::nothing_now) meter_.wait_readable(fd_);
  return buffer_;
}

std::string_view HashedStream::read() {
  const std::string_view data = inner_.read();
  hash_.update(data);
  size_ += data.size();
  return data;
}

spec::Digest HashedStream::finish() {
  while (!read().empty()) {
  }
  return hash_.finish();
}

struct ArchiveReader::Callbacks {
  /// Nothing may be thrown through C.
  static la_ssize_t read(archive*, void* client, const void** data) {
    auto& reader = *static_cast<ArchiveReader*>(client);
    try {
      const std::string_view bytes = reader.inner_.read();
      *data = bytes.data();
      return static_cast<la_ssize_t>(bytes.size());
    } catch (...) {
      reader.failure_ = std::current_exception();
      return -1;
    }
  }
};

ArchiveReader::ArchiveReader(Stream& inner) : inner_(inner), archive_(::archive_read_new()) {
  if (archive_ == nullptr) throw Error("no memory for an archive reader");
}

ArchiveReader::~ArchiveReader() {
  ::archive_read_free(archive_);
}

void ArchiveReader::open() {
  check(::archive_read_open(archive_, this, nullptr, &Callbacks::read, nullptr));
}

bool ArchiveReader::check(int result) {
  if (failure_) std::rethrow_exception(failure_);
  if (result == ARCHIVE_EOF) return false;
  if (result == ARCHIVE_OK || result == ARCHIVE_WARN) return true;
  const char* text = ::archive_error_string(archive_);
  throw Error(std::string("the archive is damaged: ") + (text == nullptr ? "no reason given" : text));
}

Decompressor::Replay::Replay(Stream& inner) : inner_(inner) {
  constexpr std::size_t longest_magic = 6;
  while (begin_.size() < longest_magic) {
    const std::string_view data = inner_.read();
    if (data.empty()) break;
    begin_ += data;
  }
}

std::string_view Decompressor::Replay::read() {
  if (given_ || begin_.empty()) return inner_.read();
  given_ = true;
  return begin_;
}

Decompressor::Decompressor(Stream& inner, Meter& meter) : input_(inner), meter_(meter) {
  const int filter = filter_of(input_.begin());
  if (filter == ARCHIVE_FILTER_NONE) return;
  reader_ = std::make_unique<ArchiveReader>(input_);
  reader_->check(::archive_read_append_filter(reader_->get(), filter));
  reader_->check(::archive_read_set_format(reader_->get(), ARCHIVE_FORMAT_RAW));
  reader_->open();
  archive_entry* entry = nullptr;
  reader_->check(::archive_read_next_header(reader_->get(), &entry));
  buffer_.resize(chunk);
}

std::string_view Decompressor::read() {
  std::string_view data;
  if (reader_) {
    const la_ssize_t size = ::archive_read_data(reader_->get(), buffer_.data(), buffer_.size());
    if (size < 0) reader_->check(static_cast<int>(size));
    data = std::string_view(buffer_.data(), static_cast<std::size_t>(size));
  } else {
    data = input_.read();
  }
  meter_.add_bytes(data.size());
  return data;
}

}  // namespace ocx::bundle
