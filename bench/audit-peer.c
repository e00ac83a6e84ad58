/*
 * The peer of bench/audit.ts: walks VT-d second-level tables in a file and coalesces what they map, as one writes it in C.
 * Usage: audit-peer FILE ROOT-FRAME LEVELS. Prints ranges, pages, a checksum over the ranges, and CPU seconds.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct range {
    uint64_t input, frame, count;
    unsigned rights;
};

static const uint64_t *memory;
static uint64_t frames, reserved, outside, pages;
static struct range *ranges;
static size_t length, room;

static void add(uint64_t input, uint64_t frame, uint64_t count, unsigned rights) {
    struct range *last = &ranges[length - 1];
    pages += count;
    if (length > 0 && last->input + last->count == input && last->frame + last->count == frame &&
        last->rights == rights) {
        last->count += count;
        return;
    }
    if (length == room) {
        room = room ? room * 2 : 1024;
        ranges = realloc(ranges, room * sizeof *ranges);
        if (!ranges) exit(1);
    }
    ranges[length++] = (struct range){input, frame, count, rights};
}

static void walk(uint64_t table, int level, uint64_t base, unsigned path) {
    const uint64_t *entries = memory + table * 512;
    uint64_t span = 1ull << (9 * (level - 1));

    if (table >= frames) {
        outside++;
        return;
    }
    for (int i = 0; i < 512; i++) {
        uint64_t entry = entries[i];
        uint64_t input = base + i * span;
        uint64_t frame = (entry >> 12) & 0xffffffffffull;
        unsigned rights = path & (unsigned)entry & 3;

        if (!(entry & 3)) continue;
        if (level == 1) {
            if (rights) add(input, frame, 1, rights);
        } else if (entry & 0x80) {
            if (level > 3 || (frame & (span - 1))) reserved++;
            else if (rights) add(input, frame, span, rights);
        } else if (rights) walk(frame, level - 1, input, rights);
    }
}

static uint32_t mix(uint32_t sum, uint64_t value) {
    sum = (sum ^ (uint32_t)value) * 0x9e3779b1u;
    sum = (sum ^ (uint32_t)(value >> 32)) * 0x9e3779b1u;
    return sum ^ (sum >> 15);
}

int main(int argc, char **argv) {
    struct stat stats;
    struct rusage usage;
    uint32_t sum = 0;
    int fd = argc == 4 ? open(argv[1], O_RDONLY) : -1;

    if (fd < 0 || fstat(fd, &stats) < 0) return 2;
    memory = mmap(NULL, stats.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return 2;
    frames = stats.st_size / 4096;
    walk(strtoull(argv[2], NULL, 10), atoi(argv[3]), 0, 3);
    for (size_t i = 0; i < length; i++) {
        sum = mix(sum, ranges[i].input);
        sum = mix(sum, ranges[i].count);
        sum = mix(sum, ranges[i].frame);
        sum = mix(sum, ranges[i].rights);
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu %llu %u %llu %.6f\n", length, (unsigned long long)pages, sum, (unsigned long long)(reserved + outside),
           usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    return 0;
}
