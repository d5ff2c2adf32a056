/* Runs the cases of the C interface: check [NAME...]. The last line says "N passed, N failed". */
#include "check.h"

_Noreturn void fail_at(const char *file, int line, const char *what, long long expected, long long actual)
{
    char text[512] = "";
    fi_error_text(text, sizeof(text));
    printf("    %s:%d: %s is %lld, %lld expected%s%s\n", file, line, what, actual, expected, *text ? "; last refusal: " : "", text);
    fflush(stdout);
    _exit(1);
}

void *pages(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRUE(memory != MAP_FAILED);
    return memory;
}

void open_machine(struct machine *machine, uint32_t kind)
{
    struct fi_port_options options = { .size = sizeof(options), .device = 0x100, .kind = kind, .name = "test" };
    machine->bytes = 4 * MiB;
    machine->iova = 0x100000000;
    machine->memory = pages(machine->bytes);
    GOOD(fi_engine_open(NULL, &machine->engine));
    GOOD(fi_domain_open(machine->engine, NULL, &machine->domain));
    GOOD(fi_port_open(machine->engine, &options, &machine->port));
    GOOD(fi_domain_map(machine->domain, machine->iova, machine->memory, machine->bytes, FI_READ | FI_WRITE));
    GOOD(fi_port_attach(machine->port, machine->domain, FI_NO_PASID));
}

void close_machine(struct machine *machine)
{
    GOOD(fi_port_close(machine->port));
    GOOD(fi_domain_close(machine->domain));
    GOOD(fi_engine_close(machine->engine));
    SAME(0, fi_open_handles());
    GOOD(munmap(machine->memory, machine->bytes));
}

static int run(const struct test *tests, int count, char **names, int *failed)
{
    int passed = 0;
    for (; tests->name; tests++) {
        int wanted = count == 0, status;
        for (int i = 0; i < count; i++)
            wanted |= strcmp(names[i], tests->name) == 0;
        if (!wanted)
            continue;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            alarm(120); /* a case that waits for ever has failed */
            tests->run();
            exit(0); /* and not _exit: the runtime has to survive the end of its process */
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
            abort();
        if (status == 0) {
            passed++;
        } else {
            ++*failed;
            printf("FAILED %s (%s %d)\n", tests->name, WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
    return passed;
}

int main(int count, char **names)
{
    int failed = 0, passed = 0;
    passed += run(data_path, count - 1, names + 1, &failed);
    passed += run(control, count - 1, names + 1, &failed);
    passed += run(forks, count - 1, names + 1, &failed);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
