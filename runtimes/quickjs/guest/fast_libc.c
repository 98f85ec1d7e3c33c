/* See fast_libc.h. */
#undef strtod
#undef fmod
#undef snprintf
#undef vsnprintf
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

double strtod(const char *text, char **end);

typedef union Bits {
  double value;
  uint64_t bits;
} Bits;

enum {
  WIDEST = 26,     /* powers of ten up to here, both ways, are scaled by in 128 bits */
  FIVES = 13,      /* 5**13 is the largest that fits 32 bits */
  MOST_DIGITS = 19 /* so many always fit 64 bits */
};

/* digits * 10**exponent to the nearest double, where digits is not 0 and |exponent| <= WIDEST: times
 * or through 5**exponent as integers of 128 bits, which is exact but for the remainder, so that
 * rounding once is correct; the rest is a power of two. */
static double scaled(uint64_t digits, int exponent) {
  static const uint32_t fives[] = {1,     5,      25,      125,     625,      3125,      15625,
                                   78125, 390625, 1953125, 9765625, 48828125, 244140625, 1220703125};
  int left = exponent < 0 ? -exponent : exponent, binary = exponent;
  int lift = __builtin_clzll(digits);
  uint64_t high = 0, low = digits;
  bool inexact = false;
  if (exponent < 0) {
    high = digits << lift;
    low = 0;
    binary -= 64 + lift;
  }
  uint32_t limbs[] = {(uint32_t)(high >> 32), (uint32_t)high, (uint32_t)(low >> 32), (uint32_t)low};
  for (; left > 0; left -= FIVES) {
    uint64_t five = fives[left < FIVES ? left : FIVES], carry = 0;
    if (exponent < 0) {
      for (int i = 0; i < 4; i++) {
        carry = carry << 32 | limbs[i];
        limbs[i] = (uint32_t)(carry / five);
        carry %= five;
      }
      inexact |= carry != 0;
    } else {
      for (int i = 3; i >= 0; i--) {
        carry += limbs[i] * five;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
      }
    }
  }
  high = (uint64_t)limbs[0] << 32 | limbs[1];
  low = (uint64_t)limbs[2] << 32 | limbs[3];
  if (high) {
    int shift = __builtin_clzll(high);
    if (shift) high = high << shift | low >> (64 - shift);
    binary += 64 - shift;
    inexact |= low << shift != 0;
    low = high | inexact; /* 11 bits below the last that counts */
  }
  Bits power = {.bits = (uint64_t)(1023 + binary) << 52};
  return (double)low * power.value;
}

/* Decimal text to the nearest double. Up to 2**53 and 10**22 are exact doubles, so that one
 * operation on them rounds once, hence correctly (W. D. Clinger, "How to read floating point
 * numbers accurately", 1990). What else has up to 19 digits, that is all but every number that a
 * program wrote, is `scaled`; the rest is left to the C library. */
double guest_strtod(const char *text, char **end) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const int most = (int)(sizeof powers / sizeof powers[0]) - 1;
  const char *at = text;
  uint64_t digits = 0;
  int count = 0, exponent = 0; /* leading zeros are not counted */
  bool negative = *at == '-';
  if (negative) at++;
  if (*at < '0' || *at > '9') return strtod(text, end);
  for (; *at >= '0' && *at <= '9'; at++, count += count || digits)
    digits = digits * 10 + (uint64_t)(*at - '0');
  if (*at == '.')
    for (at++; *at >= '0' && *at <= '9'; at++, count += count || digits, exponent--)
      digits = digits * 10 + (uint64_t)(*at - '0');
  if (*at == 'e' || *at == 'E') {
    int written = 0;
    bool minus = at[1] == '-';
    at += at[1] == '-' || at[1] == '+' ? 2 : 1;
    if (*at < '0' || *at > '9') return strtod(text, end);
    for (; *at >= '0' && *at <= '9'; at++)
      if (written < 10000) written = written * 10 + (*at - '0');
    exponent += minus ? -written : written;
  }
  if (count > MOST_DIGITS || exponent < -WIDEST || exponent > WIDEST || *at == 'x')
    return strtod(text, end);
  double value = (double)digits;
  if (digits > (uint64_t)1 << 53 || (digits && (exponent < -most || exponent > most)))
    value = scaled(digits, exponent);
  else if (digits)
    value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
  if (end) *end = (char *)at;
  return negative ? -value : value;
}

/* Remainder with the sign of x, exact: long division of the mantissas, 11 bits at a time. */
double guest_fmod(double x, double y) {
  const int mantissa_bits = 52;
  const uint64_t hidden = (uint64_t)1 << mantissa_bits, mask = hidden - 1;
  Bits a = {x}, b = {y};
  uint64_t sign = a.bits & (uint64_t)1 << 63;
  a.bits &= ~((uint64_t)1 << 63);
  b.bits &= ~((uint64_t)1 << 63);
  if (!(a.value < (double)INFINITY) || b.bits == 0 || b.value != b.value) return NAN;
  if (a.bits < b.bits) return x;
  int a_exponent = (int)(a.bits >> mantissa_bits), b_exponent = (int)(b.bits >> mantissa_bits);
  uint64_t m = a.bits & mask, divisor = b.bits & mask;
  if (a_exponent) m |= hidden;
  else a_exponent = 1;
  if (b_exponent) divisor |= hidden;
  else b_exponent = 1;
  int shift = a_exponent - b_exponent;
  m %= divisor;
  while (shift > 0 && m) {
    int step = shift < 11 ? shift : 11;
    m = (m << step) % divisor;
    shift -= step;
  }
  if (m == 0) return (Bits){.bits = sign}.value;
  int lift = __builtin_clzll(m) - (63 - mantissa_bits); /* bring the leading bit to its place */
  if (lift >= b_exponent) lift = b_exponent - 1;        /* or as far as a subnormal allows */
  m <<= lift;
  uint64_t exponent = m & hidden ? (uint64_t)(b_exponent - lift) : 0;
  return (Bits){.bits = sign | exponent << mantissa_bits | (m & mask)}.value;
}

typedef struct Output {
  char *buffer;
  size_t size;   /* 0, or room with the final zero */
  size_t length; /* of the whole text, whether it fits or not */
} Output;

static void put(Output *out, const char *text, size_t count) {
  if (out->length < out->size) {
    size_t room = out->size - out->length;
    memcpy(out->buffer + out->length, text, count < room ? count : room);
  }
  out->length += count;
}

static void put_repeated(Output *out, char c, int count) {
  for (; count > 0; count--) put(out, &c, 1);
}

typedef struct Conversion {
  bool left, zeros, plus, space;
  int width;
  int precision; /* -1: none */
  int size;      /* in bytes of the integer: 4 or 8 */
  char kind;
} Conversion;

static void put_padded(Output *out, const Conversion *c, const char *sign, const char *text,
                       size_t count, bool zeros) {
  int pad = c->width - (int)(strlen(sign) + count);
  if (!c->left && !zeros) put_repeated(out, ' ', pad);
  put(out, sign, strlen(sign));
  if (!c->left && zeros) put_repeated(out, '0', pad);
  put(out, text, count);
  if (c->left) put_repeated(out, ' ', pad);
}

static void put_integer(Output *out, const Conversion *c, uint64_t value, bool negative) {
  const char *alphabet = c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  const unsigned base = c->kind == 'x' || c->kind == 'X' || c->kind == 'p' ? 16 : 10;
  char digits[20 + 1];
  size_t at = sizeof digits;
  do {
    digits[--at] = alphabet[value % base];
    value /= base;
  } while (value);
  const char *sign = negative ? "-" : c->plus ? "+" : c->space ? " " : "";
  int zeros = c->precision - (int)(sizeof digits - at);
  for (; zeros > 0 && at > 0; zeros--) digits[--at] = '0';
  put_padded(out, c, sign, digits + at, sizeof digits - at, c->zeros && c->precision < 0);
}

static const char *read_number(const char *at, int *number, va_list *arguments) {
  if (*at == '*') {
    *number = va_arg(*arguments, int);
    return at + 1;
  }
  for (*number = 0; *at >= '0' && *at <= '9'; at++) *number = *number * 10 + (*at - '0');
  return at;
}

/* Read what stands between % and the letter; returns where the letter is. */
static const char *read_conversion(const char *at, Conversion *c, va_list *arguments) {
  *c = (Conversion){.precision = -1, .size = sizeof(int)};
  for (;; at++) {
    if (*at == '-') c->left = true;
    else if (*at == '0') c->zeros = true;
    else if (*at == '+') c->plus = true;
    else if (*at == ' ') c->space = true;
    else break;
  }
  at = read_number(at, &c->width, arguments);
  if (c->width < 0) {
    c->left = true;
    c->width = -c->width;
  }
  if (*at == '.') at = read_number(at + 1, &c->precision, arguments);
  for (; *at == 'l' || *at == 'j' || *at == 'z' || *at == 't' || *at == 'h'; at++)
    if (*at == 'j' || (*at == 'l' && at[1] == 'l')) c->size = sizeof(long long);
  c->kind = *at;
  return at;
}

/* As the C standard says, for the conversions that the engine uses: d i u x X c s p %, with flags
 * - 0 + space, width and precision. Floats are not among them; %n never will be. */
int guest_vsnprintf(char *buffer, size_t size, const char *format, va_list list) {
  Output out = {buffer, size, 0};
  va_list arguments;
  va_copy(arguments, list);
  for (const char *at = format; *at;) {
    const char *start = at;
    while (*at && *at != '%') at++;
    put(&out, start, (size_t)(at - start));
    if (!*at) break;
    Conversion c;
    at = read_conversion(at + 1, &c, &arguments);
    switch (c.kind) {
      case 'd':
      case 'i': {
        int64_t value = c.size == 8 ? va_arg(arguments, int64_t) : va_arg(arguments, int);
        put_integer(&out, &c, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
        break;
      }
      case 'u':
      case 'x':
      case 'X':
      case 'p':
        put_integer(&out, &c,
                    c.size == 8 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), false);
        break;
      case 'c': {
        char character = (char)va_arg(arguments, int);
        put_padded(&out, &c, "", &character, 1, false);
        break;
      }
      case 's': {
        const char *text = va_arg(arguments, const char *);
        if (!text) text = "(null)";
        size_t most = c.precision < 0 ? SIZE_MAX : (size_t)c.precision;
        size_t count = strnlen(text, most);
        put_padded(&out, &c, "", text, count, false);
        break;
      }
      case '%':
        put(&out, "%", 1);
        break;
      default:
        assert(!"a conversion that guest_vsnprintf does not know");
        at = "";
        continue;
    }
    at++;
  }
  va_end(arguments);
  if (size) buffer[out.length < size ? out.length : size - 1] = 0;
  return (int)out.length;
}

int guest_snprintf(char *buffer, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = guest_vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}
