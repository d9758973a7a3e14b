/* The peer: the same loop with LTTng-UST's tracepoint. Prints nanoseconds of CPU time for each round, a line a
 * repetition. usage: lttng_loop ROUNDS REPETITIONS */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "LttngProvider.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    unsigned long rounds = strtoul(argv[1], NULL, 10);
    for (int repetitions = atoi(argv[2]); repetitions > 0; --repetitions) {
        double begin = cpu_seconds();
        for (unsigned long i = 0; i < rounds; ++i)
            lttng_ust_tracepoint(uniscope_bench, event, (int)i, i);
        printf("%.4f\n", (cpu_seconds() - begin) * 1e9 / (double)rounds);
    }
    return 0;
}
