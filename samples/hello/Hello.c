// Says hello, shows its arguments and a variable of its environment, and ends with the status that it is told.
//
//   hello [--status N] [WORD ...]      GREETING=Servus hello

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void) {
    fputs("usage: hello [--status N] [WORD ...]\n", stderr);
    return 2;
}

int main(int argc, char** argv) {
    int first_word = 1;
    long status = 0;
    if (argc > 1 && strcmp(argv[1], "--status") == 0) {
        if (argc < 3)
            return usage();
        char* end = NULL;
        status = strtol(argv[2], &end, 10);
        if (end == argv[2] || *end != '\0' || status < 0 || status > 255)
            return usage();
        first_word = 3;
    }

    const char* greeting = getenv("GREETING");
    printf("%s from C!\n", greeting != NULL ? greeting : "Hello");
    for (int i = first_word; i < argc; ++i)
        printf("word %d: %s\n", i - first_word + 1, argv[i]);
    printf("leaving with status %ld\n", status);
    return (int)status;
}
