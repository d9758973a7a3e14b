#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    double x = argc > 1 ? atof(argv[1]) : 3, y = argc > 2 ? atof(argv[2]) : 4;
    printf("%.3f\n", sqrt(x * x + y * y));
    return 0;
}
