// Copies its standard input to its standard output, and ends when that ends.

#include <unistd.h>

int main() {
    char buffer[4096];
    for (;;) {
        ssize_t size = read(STDIN_FILENO, buffer, sizeof buffer);
        if (size <= 0)
            return size == 0 ? 0 : 1;
        for (ssize_t at = 0; at < size;) {
            ssize_t written = write(STDOUT_FILENO, buffer + at, static_cast<size_t>(size - at));
            if (written <= 0)
                return 1;
            at += written;
        }
    }
}
