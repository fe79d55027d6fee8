/* The plain program: write the same bytes into the same files and nothing else, in one process.
 * usage: write BLOB FOLDER; BLOB holds "<path length> <text length>\n<path><text>" for each file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_folders(char *path) {
    for (char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        if (mkdir(path, 0777) && errno != EEXIST) { perror(path); exit(1); }
        *at = '/';
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int blob = open(argv[1], O_RDONLY);
    struct stat size;
    if (blob < 0 || fstat(blob, &size)) { perror(argv[1]); return 1; }
    char *at = mmap(0, (size_t)size.st_size, PROT_READ, MAP_PRIVATE, blob, 0), *end = at + size.st_size;
    if (mkdir(argv[2], 0777) || chdir(argv[2])) { perror(argv[2]); return 1; }
    char path[4096], last[4096] = "";
    while (at < end) {
        char *rest;
        size_t name = strtoul(at, &rest, 10), text = strtoul(rest, &rest, 10);
        at = rest + 1;
        if (name >= sizeof path) return 1;
        memcpy(path, at, name);
        path[name] = 0;
        at += name;
        char *slash = strrchr(path, '/');
        size_t folder = slash ? (size_t)(slash - path) : 0;
        if (strncmp(path, last, folder) || last[folder]) {
            make_folders(path);
            memcpy(last, path, folder);
            last[folder] = 0;
        }
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (file < 0 || write(file, at, text) != (ssize_t)text || close(file)) { perror(path); return 1; }
        at += text;
    }
    return 0;
}
