/* The selfcheck command: suites of cases, one protocol line each. */
#include "diag.h"

static bool write_disks;
static void disk_suite(void) { check_disks(write_disks); }

static const struct {
    const char *name;
    void (*run)(void);
} suites[] = {
    {"instructions", check_instructions},
    {"floating-point", check_floating_point},
    {"speculation", check_speculation},
    {"rse", check_register_stack},
    {"interruptions", check_interruptions},
    {"vhpt", check_vhpt},
    {"timer", check_timer},
    {"firmware", check_firmware},
    {"smp", check_smp},
    {"init", check_init},
    {"disk", disk_suite},
};

int command_selfcheck(int argc, char **argv)
{
    const char *only = NULL;
    bool found = false;
    write_disks = false;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "write"))
            write_disks = true;
        else
            only = argv[i];
    u64 passed = cases_passed, failed = cases_failed;
    for (unsigned i = 0; i < LENGTH(suites) && !interrupted(); i++) {
        if (only && strcmp(only, suites[i].name))
            continue;
        found = true;
        u64 mark = heap_mark();
        suites[i].run();
        heap_release(mark);
    }
    if (!found) {
        print("selfcheck: no suite %s; there are", only);
        for (unsigned i = 0; i < LENGTH(suites); i++)
            print(" %s", suites[i].name);
        print("\n");
        return 2;
    }
    passed = cases_passed - passed;
    failed = cases_failed - failed;
    print("selfcheck: %s (%lu of %lu failed)\n", failed ? "FAIL" : "PASS", failed, passed + failed);
    return failed ? 1 : 0;
}
