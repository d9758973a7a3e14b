# uniscope_libos_object(LIBRARY ...): links guest libraries (uniscope_guest_library) into the one relocatable object that
# every image contains, build/lib/uniscope/libos.o, and puts the image's linker script beside it. The build fails, in
# words, when the object needs a symbol that only the app could bring.
#
# --force-group-allocation keeps the libOS' copies of inline functions apart from the app's; with its symbols local,
# neither sees the other's names. Discardable as it looks, .note.GNU-stack has to stay: without it the app's stack
# becomes executable. _.stapsdt.base stays global, so that the probe notes of libOS and app count from the same place: gdb
# takes the beginning of the image's .stapsdt.base for it.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(UNISCOPE_LIBOS_OBJECT ${PROJECT_BINARY_DIR}/lib/uniscope/libos.o)
set(UNISCOPE_LINKER_SCRIPT ${PROJECT_BINARY_DIR}/lib/uniscope/libos.ld)

function(uniscope_libos_object)
    set(image_directory ${PROJECT_SOURCE_DIR}/libos/image)
    set(symbol_check ${PROJECT_SOURCE_DIR}/tests/lint/check_undefined_symbols.py)
    set(objects)
    foreach(library IN LISTS ARGN)
        list(APPEND objects $<TARGET_OBJECTS:${library}_guest>)
    endforeach()

    set(merged ${PROJECT_BINARY_DIR}/libos/image/merged.o)
    set(checked ${PROJECT_BINARY_DIR}/libos/image/libos.o)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/lib/uniscope ${PROJECT_BINARY_DIR}/libos/image)
    add_custom_command(OUTPUT ${UNISCOPE_LIBOS_OBJECT}
        COMMAND ${CMAKE_LINKER} -r --force-group-allocation -T ${image_directory}/relocatable.ld -o ${merged} ${objects}
        COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=uniscope_libos
            --keep-global-symbol=_.stapsdt.base --weaken-symbol=__ehdr_start ${merged} ${checked}
        COMMAND Python3::Interpreter ${symbol_check} --nm ${CMAKE_NM} ${checked}
        COMMAND ${CMAKE_COMMAND} -E copy ${checked} ${UNISCOPE_LIBOS_OBJECT}
        DEPENDS ${objects} ${image_directory}/relocatable.ld ${symbol_check}
        COMMENT "Linking the libOS object" COMMAND_EXPAND_LISTS VERBATIM)
    add_custom_command(OUTPUT ${UNISCOPE_LINKER_SCRIPT}
        COMMAND ${CMAKE_COMMAND} -E copy ${image_directory}/libos.ld ${UNISCOPE_LINKER_SCRIPT}
        DEPENDS ${image_directory}/libos.ld VERBATIM)
    add_custom_target(libos_object ALL DEPENDS ${UNISCOPE_LIBOS_OBJECT} ${UNISCOPE_LINKER_SCRIPT})
endfunction()
