// For tests of the program: writes a busy trace. usage: viewer_write_trace DIRECTORY
#include "tracer/analysis/SyntheticTrace.h"

#include <cstdio>

int main(int argument_count, char** arguments) {
    if (argument_count != 2)
        return 2;
    auto written = tracer::make_busy_trace(2, 6, 20'000'000).write(arguments[1]);
    if (!written)
        std::fprintf(stderr, "%s\n", written.error().message.c_str());
    return written ? 0 : 1;
}
