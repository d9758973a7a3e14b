# uniscope_debian_source(OUTPUT PACKAGE VERSION SHA256): the directory of a Debian source package's upstream source, pinned
# by version and SHA-256 of its archive. Fetched when the build is configured, at most once; what was fetched stays in
# UNISCOPE_SOURCE_CACHE.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(UNISCOPE_SOURCE_CACHE ${CMAKE_BINARY_DIR}/source-cache CACHE PATH "Where sources of Debian packages are kept")

function(uniscope_debian_source output package version sha256)
    execute_process(
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/libos/image/debian_source.py ${package} --version ${version}
            --sha256 ${sha256} --cache ${UNISCOPE_SOURCE_CACHE}
        OUTPUT_VARIABLE directory OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_VARIABLE reason ERROR_STRIP_TRAILING_WHITESPACE
        RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "The source of ${package} ${version} is needed and cannot be had.\n${reason}")
    endif()
    set(${output} ${directory} PARENT_SCOPE)
endfunction()
