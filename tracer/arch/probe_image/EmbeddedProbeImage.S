# The linked probe image (ProbeImage.S) as data of the tool.

    .section .rodata
    .globl uniscope_probe_image, uniscope_probe_image_end
    .balign 16
uniscope_probe_image:
    .incbin UNISCOPE_PROBE_IMAGE
uniscope_probe_image_end:
    .section .note.GNU-stack, "", @progbits
