/* The library calls of fast_libc.h, reachable from a test. */
#include "fast_libc.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

char buffer[4096];

char *EXPORT(room)(void) { return buffer; }
double EXPORT(remainder_of)(double x, double y) { return fmod(x, y); }
double EXPORT(number)(char **end) { return strtod(buffer, end); }

/* The format and a text argument are in the buffer; the result goes behind them. */
int EXPORT(print_integer)(size_t size, int value) { return snprintf(buffer + 2048, size, buffer, value); }
int EXPORT(print_star)(size_t size, int width, int value) {
  return snprintf(buffer + 2048, size, buffer, width, value);
}
int EXPORT(print_long)(size_t size, int64_t value) {
  return snprintf(buffer + 2048, size, buffer, value);
}
int EXPORT(print_text)(size_t size) { return snprintf(buffer + 2048, size, buffer, buffer + 1024); }
int EXPORT(print_mixed)(size_t size, int value, int64_t big) {
  return snprintf(buffer + 2048, size, buffer, value, buffer + 1024, big, value);
}
