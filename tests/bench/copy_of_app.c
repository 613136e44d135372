/* The app that is run in N copies: appends "TIME PID" to the file it is given, then does nothing.
   TIME is CLOCK_MONOTONIC in ns, read as the first thing the program does. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (argc > 1) {
        char line[64];
        int length = snprintf(line, sizeof line, "%lld %d\n",
                              (long long)now.tv_sec * 1000000000LL + now.tv_nsec, (int)getpid());
        int file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || write(file, line, length) != length)
            return 1;
        close(file);
    }
    for (;;)
        pause();
}
