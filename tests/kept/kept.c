// An app for the kept image (README.md): plain C, so that any libc will do.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile long g_rounds;

__attribute__((noinline)) static void serve_round(long round) {
    g_rounds = round;
    printf("round %ld\n", round);
    fflush(stdout);
}

static void* serve(void* unused) {
    (void)unused;
    for (long round = 1;; ++round) {
        serve_round(round);
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
}

__attribute__((noinline)) static void write_through_null(volatile int* nowhere) {
    *nowhere = 1;
}

// kept serve | exit STATUS | crash
int main(int argc, char** argv) {
    if (argc > 2 && strcmp(argv[1], "exit") == 0)
        return atoi(argv[2]);
    if (argc > 1 && strcmp(argv[1], "crash") == 0)
        write_through_null(NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    return 0;
}
