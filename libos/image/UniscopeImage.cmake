# uniscope_image(TARGET): links an executable as an image, one file that boots as a unikernel and runs as a Linux process.
# Used by the samples and, through find_package(Uniscope), by any project. The includer has set UNISCOPE_LIBOS_OBJECT and
# UNISCOPE_LINKER_SCRIPT; in other projects UNISCOPE_PROGRAM, too, which remembers where an image is by its build id,
# unless UNISCOPE_SYMBOLS is off.

option(UNISCOPE_SYMBOLS "Remember where images are, by build id, for uniscope gdb and report" ON)
set_property(GLOBAL PROPERTY UNISCOPE_IMAGE_PROGRAM "${UNISCOPE_PROGRAM}")

set_property(GLOBAL PROPERTY UNISCOPE_IMAGE_PARTS "${UNISCOPE_LIBOS_OBJECT};${UNISCOPE_LINKER_SCRIPT}")

function(uniscope_image target)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "EXECUTABLE")
        message(FATAL_ERROR "uniscope_image(${target}): an image is made from an executable, and ${target} is a ${type}")
    endif()
    get_target_property(own_link_options ${target} LINK_OPTIONS)
    if("${own_link_options};${CMAKE_EXE_LINKER_FLAGS}" MATCHES "(^|[; ])(-pie|-static-pie)([; ]|$)")
        message(FATAL_ERROR "uniscope_image(${target}): an image is loaded where it was linked and cannot be "
                            "position-independent: leave out ${CMAKE_MATCH_2}")
    endif()

    # Debug information makes the image readable in gdb and in reports, and does not slow it down.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -g -fno-pie)
    target_link_options(${target} PRIVATE -static -no-pie -Wl,--build-id)

    get_property(parts GLOBAL PROPERTY UNISCOPE_IMAGE_PARTS)
    list(GET parts 0 libos_object)
    list(GET parts 1 linker_script)
    if(TARGET libos_object)
        add_dependencies(${target} libos_object) # Uniscope's own build makes it
    elseif(NOT EXISTS ${libos_object})
        return()
    endif()
    target_link_libraries(${target} PRIVATE ${libos_object})
    target_link_options(${target} PRIVATE -Wl,-T,${linker_script})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${libos_object} ${linker_script})

    get_property(program GLOBAL PROPERTY UNISCOPE_IMAGE_PROGRAM)
    if(UNISCOPE_SYMBOLS AND program AND EXISTS ${program})
        add_custom_command(TARGET ${target} POST_BUILD VERBATIM
            COMMAND sh -c "\"$0\" symbols add --link \"$1\" >/dev/null 2>&1 || :" ${program} $<TARGET_FILE:${target}>)
    endif()
endfunction()
