/* The least a supervisor could do: starts N copies of a program in a posix_spawn loop. Prints the
   pids, waits for its stdin to end, then kills what it has started. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int count = atoi(argv[1]);
    pid_t *pids = calloc(count, sizeof *pids);
    for (int i = 0; i < count; i++)
        if (posix_spawn(&pids[i], argv[2], NULL, NULL, argv + 2, environ) != 0)
            return 1;
    puts("started");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    for (int i = 0; i < count; i++)
        waitpid(pids[i], NULL, 0);
    return 0;
}
