# How all of our code is compiled: warnings are errors; ccache where there is one.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(berth_options INTERFACE)
target_compile_options(berth_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-align -Wimplicit-fallthrough -Werror
  -Wno-missing-field-initializers # designated initialisers leave out what keeps its default
  $<$<CONFIG:Release>:-Wno-restrict> # GCC 12 sees overlaps in "text" + std::string at -O2 that are not there (its bug 105651)
  -fstack-protector-strong -ffunction-sections -fdata-sections)
target_compile_definitions(berth_options INTERFACE _GNU_SOURCE BERTH_VERSION="${PROJECT_VERSION}")
target_include_directories(berth_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_options(berth_options INTERFACE -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro)

option(BERTH_SANITIZE "Address and undefined-behaviour sanitizers" OFF)
if(BERTH_SANITIZE)
  target_compile_options(berth_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    -Wno-maybe-uninitialized) # GCC 12 sees them inside std::regex when it instruments the code
  target_link_options(berth_options INTERFACE -fsanitize=address,undefined)
else()
  # The dynamic linker takes 0.6 ms of a command's 1.5 for libstdc++ alone, and its pages count fully where nobody else has it.
  target_link_options(berth_options INTERFACE -static-libstdc++ -static-libgcc)
endif()

find_package(Threads REQUIRED)
