// Bytes in order: files, what is compressed in them, and digests of what passes.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "cmd/ocx-bundle/hash.hpp"
#include "cmd/ocx-bundle/meter.hpp"
#include "sys/fd.hpp"

struct archive;

namespace ocx::bundle {

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;
  /// The next bytes, valid until the next call; empty at the end.
  virtual std::string_view read() = 0;
};

/// From the current offset of a file, pipe or socket to its end.
class FileStream : public Stream {
 public:
  FileStream(sys::FdRef fd, Meter& meter);
  std::string_view read() override;

 private:
  sys::FdRef fd_;
  Meter& meter_;
  bool may_block_;
  std::string buffer_;
};

/// Passes on what it reads, and knows the digest and the number of it at the end.
class HashedStream : public Stream {
 public:
  HashedStream(Stream& inner, spec::DigestAlgorithm algorithm) : inner_(inner), hash_(algorithm) {}
  std::string_view read() override;
  /// Reads what is left, and gives the digest of all.
  spec::Digest finish();
  std::uint64_t size() const { return size_; }

 private:
  Stream& inner_;
  Hash hash_;
  std::uint64_t size_ = 0;
};

/// A libarchive reader whose input is a Stream. What the stream throws comes out of the calls on the reader.
class ArchiveReader {
 public:
  explicit ArchiveReader(Stream& inner);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;
  ~ArchiveReader();

  archive* get() const { return archive_; }
  /// Begins to read; formats and filters are set before.
  void open();
  /// The result of a call on the reader. Throws for errors (not for warnings); false at the end.
  bool check(int result);

 private:
  struct Callbacks;

  Stream& inner_;
  archive* archive_;
  std::exception_ptr failure_;
};

/// Unpacks gzip, xz, zstd or bzip2, or passes on what is none of them; its content says which. One layer: a
/// gzip inside of a gzip stays one. What comes out counts against the limits.
class Decompressor : public Stream {
 public:
  Decompressor(Stream& inner, Meter& meter);
  std::string_view read() override;

 private:
  /// The bytes that were read to see what it is, and then the rest.
  class Replay : public Stream {
   public:
    explicit Replay(Stream& inner);
    std::string_view read() override;
    std::string_view begin() const { return begin_; }

   private:
    Stream& inner_;
    std::string begin_;
    bool given_ = false;
  };

  Replay input_;
  Meter& meter_;
  std::unique_ptr<ArchiveReader> reader_;  // null: it is not compressed
  std::string buffer_;
};

}  // namespace ocx::bundle
