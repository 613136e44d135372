/* Writes N MiB to stdout as fast as it takes them, 1 MiB at a time: numbers that count up, so that what
   is lost, doubled or out of order shows. Appends "START END" (CLOCK_MONOTONIC in ns) to the file it is
   given, and then does nothing, or ends if there is a third argument. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { NUMBERS = 131072 };

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    static uint64_t buffer[NUMBERS];
    if (argc < 3)
        return 2;
    uint64_t number = 0;
    long long start = now();
    for (long left = atol(argv[1]); left; left--) {
        for (int i = 0; i < NUMBERS; i++)
            buffer[i] = number++;
        for (size_t done = 0; done < sizeof buffer;) {
            ssize_t count = write(1, (char *)buffer + done, sizeof buffer - done);
            if (count < 0)
                return 1;
            done += count;
        }
    }
    char text[64];
    int length = snprintf(text, sizeof text, "%lld %lld\n", start, now());
    int file = open(argv[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || write(file, text, length) != length)
        return 1;
    close(file);
    while (argc < 4)
        pause();
    return 0;
}
