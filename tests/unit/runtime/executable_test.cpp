#include "runtime/executable.hpp"

#include <catch2/catch.hpp>
#include <elf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "sys/error.hpp"
#include "sys/process.hpp"
#include "tests/unit/forked.hpp"
#include "tests/unit/runtime/fake_init.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::test::FakeInit;
using ocx::test::forked;

namespace {

std::string elf(unsigned short machine, const std::string& interpreter) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(header);
  header.e_machine = machine;
  header.e_phoff = sizeof(header);
  header.e_phnum = interpreter.empty() ? 0 : 1;
  header.e_phentsize = sizeof(Elf64_Phdr);
  Elf64_Phdr segment{};
  segment.p_type = PT_INTERP;
  segment.p_offset = sizeof(header) + sizeof(segment);
  segment.p_filesz = interpreter.size() + 1;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  if (!interpreter.empty())
    bytes.append(reinterpret_cast<const char*>(&segment), sizeof(segment))
        .append(interpreter)
        .push_back('\0');
  return bytes;
}

/// A directory with programs of all kinds.
class Programs {
 public:
  Programs() {
    char path[] = "/tmp/ocx-test-XXXXXX";
    if (::mkdtemp(path) == nullptr) throw_errno("mkdtemp");
    path_ = path;
    ::chmod(path, 0755);
    add("good", "#!/bin/sh\n", 0755);
    add("plain", "just text\n", 0755);
    add("empty", "", 0755);
    add("denied", "#!/bin/sh\n", 0644);
    add("lost", "#! /no/interpreter -x\nexit\n", 0755);
    add("dos", "#!/bin/sh\r\nexit\r\n", 0755);
    add("foreign", elf(EM_S390, ""), 0755);
    add("musl", elf(EM_X86_64, "/lib/ld-none.so.1"), 0755);
    ::mkdir((path_ + "/directory").c_str(), 0755);
    ::mkdir((path_ + "/secret").c_str(), 0700);
    add("secret/inside", "#!/bin/sh\n", 0755);
  }
  ~Programs() {
    for (const std::string& name : names_) ::unlink((path_ + "/" + name).c_str());
    for (const char* name : {"/directory", "/secret", ""}) ::rmdir((path_ + name).c_str());
  }
  const std::string& path() const { return path_; }

 private:
  void add(const std::string& name, const std::string& content, mode_t mode) {
    std::ofstream(path_ + "/" + name) << content;
    ::chmod((path_ + "/" + name).c_str(), mode);
    names_.push_back(name);
  }
  std::string path_;
  std::vector<std::string> names_;
};

std::string find(const std::string& name, const std::string& path_variable) {
  FakeInit init;
  try {
    execute(init.context, step::FindExecutable{name, path_variable});
  } catch (const Error& error) {
    return error.what();
  }
  return init.context.executable;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("a program is found by execvp's rules; what fails is said as engines match it") {
  const Programs programs;
  struct Case {
    const char *name, *path, *result;
  };
  const Case cases[] = {
      {"good", "/nowhere:D", "D/good"},
      {"D/good", "", "D/good"},
      {"good", "", "exec: \"good\": executable file not found in $PATH"},
      {"missing", "/nowhere:D", "exec: \"missing\": executable file not found in $PATH"},
      {"", "D", "exec: \"\": executable file not found in $PATH"},
      {"directory", "D", "exec: \"directory\": executable file not found in $PATH"},
      {"denied", "D", "exec: \"denied\": permission denied"},
      {"D/missing", "", "exec: \"D/missing\": stat D/missing: no such file or directory"},
      {"D/good/x", "", "exec: \"D/good/x\": stat D/good/x: not a directory"},
      {"D/denied", "", "exec: \"D/denied\": permission denied"},
      {"D/directory", "", "exec: \"D/directory\": is a directory: permission denied"},
      {"/dev/null", "", "exec: \"/dev/null\": permission denied"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name, c.path);
    CHECK(replaced(find(replaced(c.name, "D", programs.path()), replaced(c.path, "D", programs.path())),
                   programs.path(), "D") == c.result);
  }
}

TEST_CASE("an empty element of PATH is the current directory") {
  const Programs programs;
  CHECK(forked([&] {
          sys::chdir(programs.path());
          return find("good", "/nowhere:") + " " + find("./good", "");
        }) == "./good ./good");
}

TEST_CASE("the user's rights count, not root's; a directory one can't search has no programs") {
  const Programs programs;
  CHECK(forked([&] {
          sys::setgroups({});
          sys::setresgid(65534);
          sys::setresuid(65534);
          return find("inside", programs.path() + "/secret") + "|" +
                 find("good", programs.path() + "/secret:" + programs.path());
        }) == "exec: \"inside\": executable file not found in $PATH|" + programs.path() + "/good");
}

TEST_CASE("why execve failed") {
  const Programs programs;
  const auto explain = [&](const char* name, int error) {
    return explain_exec_failure(programs.path() + "/" + name, error);
  };
  CHECK(explain("lost", ENOENT) == "its #! interpreter \"/no/interpreter\" is missing");
  CHECK_THAT(explain("dos", ENOENT), Catch::Contains("carriage return"));
  CHECK_THAT(explain("musl", ENOENT),
             Catch::StartsWith("its ELF interpreter \"/lib/ld-none.so.1\" is missing"));
  CHECK(explain("plain", ENOEXEC) == "it is neither an ELF program nor a script that begins with #!");
  CHECK(explain("empty", ENOEXEC) == "the file is empty");
#ifdef __x86_64__
  CHECK(explain("foreign", ENOEXEC) == "it is a program for s390x, this machine is x86_64");
#endif
  CHECK(explain("missing", ENOENT).empty());
  CHECK(explain("directory", ENOENT).empty());
  CHECK(explain("lost", EACCES) == "its interpreter \"/no/interpreter\" can't be executed");
  // Modes that allow it leave those that are not modes; without them errno says all.
  CHECK_THAT(explain("good", EACCES), Catch::Contains("Landlock"));
  CHECK(explain("missing", EACCES).empty());
  CHECK(explain("good", EPERM).empty());
}

TEST_CASE("these explanations are of errors the kernel really gives") {
  const Programs programs;
  const auto run = [&](const char* name) {
    return forked([&] {
      const sys::Argv none({"x"});
      return std::to_string(sys::execve(programs.path() + "/" + name, none, none));
    });
  };
  CHECK(run("lost") == std::to_string(ENOENT));
  CHECK(run("dos") == std::to_string(ENOENT));
  CHECK(run("plain") == std::to_string(ENOEXEC));
  CHECK(run("empty") == std::to_string(ENOEXEC));
  CHECK(run("foreign") == std::to_string(ENOEXEC));
#ifdef __x86_64__
  CHECK(run("musl") == std::to_string(ENOENT));
#endif
}

TEST_CASE("inspect_program takes any bytes") {
  const std::string whole = elf(EM_X86_64, "/lib64/ld-linux-x86-64.so.2");
  CHECK(inspect_program(whole).interpreter == "/lib64/ld-linux-x86-64.so.2");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::string bytes = whole.substr(0, size);
    CHECK(inspect_program(bytes).interpreter.size() < 30);
  }
  for (std::size_t at = 16; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(0xff);
    CHECK(inspect_program(bytes).interpreter.size() < bytes.size());
  }
  CHECK(inspect_program("#!").interpreter.empty());
  CHECK(inspect_program("#!  \t").interpreter.empty());
  CHECK(inspect_program("#!/bin/sh").interpreter == "/bin/sh");
  CHECK(inspect_program("#! /usr/bin/env perl\nx").interpreter == "/usr/bin/env");
}
