/* Writes N MB of 100-byte lines to stdout the way a program with a buffered stdout does, appends
   "START END" (CLOCK_MONOTONIC in ns) to the file it is given, and then does nothing, or ends if
   there is a third argument. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    long lines = atol(argv[1]) * 10000;
    char line[101];
    memset(line, 'x', 99);
    line[99] = '\n';
    line[100] = 0;
    long long start = now();
    setvbuf(stdout, NULL, _IOFBF, 4096);
    for (long i = 0; i < lines; i++)
        fwrite(line, 1, 100, stdout);
    fflush(stdout);
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
