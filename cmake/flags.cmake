# Compile flags every target shares (ocx_flags) and link flags of the shipped executable (ocx_link).
add_library(ocx_flags INTERFACE)
target_compile_options(ocx_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wpedantic -Wnon-virtual-dtor -Werror
  -fvisibility=hidden -fstack-protector-strong -ffunction-sections -fdata-sections)
target_compile_definitions(ocx_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(ocx_flags INTERFACE _FORTIFY_SOURCE=2)
endif()

add_library(ocx_link INTERFACE)
target_link_options(ocx_link INTERFACE -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(OCX_STATIC)
  target_compile_options(ocx_flags INTERFACE -fPIE)
  target_link_options(ocx_link INTERFACE -static-pie)
endif()
# What is sanitized is ocx. Tests are not: they would take twice as long to compile, and what ocx does to their objects on
# the heap is seen all the same.
set(OCX_SANITIZE_FLAGS "")
if(OCX_SANITIZE)
  # What -fno-sanitize takes out is half of the code, and a null pointer is seen without it.
  set(OCX_SANITIZE_FLAGS -g1 -fsanitize=${OCX_SANITIZE} -fno-sanitize=null,object-size,vptr -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(ocx_flags INTERFACE -fsanitize=${OCX_SANITIZE})
endif()
