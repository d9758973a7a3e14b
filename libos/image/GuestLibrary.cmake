# Guest code compiles twice from one source list:
#   NAME_guest   object library with the freestanding flags, for the image
#   NAME_hosted  static library under ASan and UBSan, for unit tests
#
# uniscope_guest_library(NAME SOURCES a.cpp ... [GUEST_SOURCES b.S ...] [DEPENDS other ...])
# GUEST_SOURCES go into the image only (assembly, device access). DEPENDS names other guest libraries.

set(UNISCOPE_GUEST_FLAGS
    -ffreestanding -fno-pic -fno-pie -mcmodel=small -mno-red-zone
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-unwind-tables
    -fno-omit-frame-pointer -fvisibility=hidden -ffunction-sections -fno-common -g -O2
    -Wall -Wextra -Werror
    # The kernel may touch any address; g++ takes small constant ones for null objects otherwise.
    --param=min-pagesize=0)
set(UNISCOPE_GUEST_CXX_FLAGS
    -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit
    $<IF:$<CXX_COMPILER_ID:Clang>,-mno-sse;-mno-mmx;-mno-80387,-mgeneral-regs-only>)
set(UNISCOPE_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=undefined)

function(uniscope_guest_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;GUEST_SOURCES;DEPENDS" ${ARGN})

    add_library(${name}_guest OBJECT ${ARG_SOURCES} ${ARG_GUEST_SOURCES})
    target_include_directories(${name}_guest PUBLIC ${PROJECT_SOURCE_DIR}
        ${PROJECT_SOURCE_DIR}/libos/arch/x86_64/include ${PROJECT_BINARY_DIR}/generated)
    target_compile_options(${name}_guest PRIVATE
        ${UNISCOPE_GUEST_FLAGS} $<$<COMPILE_LANGUAGE:CXX>:${UNISCOPE_GUEST_CXX_FLAGS}>)
    target_compile_definitions(${name}_guest PRIVATE UNISCOPE_GUEST=1)

    if(UNISCOPE_TESTS AND ARG_SOURCES)
        add_library(${name}_hosted STATIC ${ARG_SOURCES})
        target_include_directories(${name}_hosted PUBLIC ${PROJECT_SOURCE_DIR}
            ${PROJECT_SOURCE_DIR}/libos/arch/hosted/include)
        target_compile_options(${name}_hosted PRIVATE -Wall -Wextra -Werror)
        target_compile_options(${name}_hosted PUBLIC ${UNISCOPE_SANITIZERS})
        target_link_options(${name}_hosted PUBLIC ${UNISCOPE_SANITIZERS})
        foreach(dependency IN LISTS ARG_DEPENDS)
            target_link_libraries(${name}_hosted PUBLIC ${dependency}_hosted)
        endforeach()
        target_link_libraries(${name}_hosted PUBLIC base_hosted)
    endif()
endfunction()
