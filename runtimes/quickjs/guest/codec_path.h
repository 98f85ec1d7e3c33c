/* Where in a value a conversion failed, written as a script would reach it: `$.items[3].price`,
 * `$.table.get("k")`, `$.ids.values()[2]`. Built from its end while the failed calls return, so
 * that a conversion that works pays nothing. */

/* Returns false, like codec_fail. Does nothing for failures that have no path. */
__attribute__((cold, format(printf, 1, 2))) static bool path_prepend(const char *format, ...) {
  if (codec_failure.kind != CODEC_CONVERSION || codec_failure.path_full) return false;
  char text[96];
  va_list arguments;
  va_start(arguments, format);
  int printed = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  size_t length = printed < (int)sizeof text ? (size_t)printed : sizeof text - 1;
  size_t left = (size_t)(codec_failure.path - codec_failure.path_space);
  const size_t reserve = 4; /* for the dots and a final "$" */
  if (length + reserve > left) {
    codec_failure.path_full = true;
    memcpy(text, "...", length = 3);
  }
  codec_failure.path -= length;
  memcpy((char *)codec_failure.path, text, length);
  return false;
}

/* The path is whole: it begins at the value itself. */
__attribute__((cold)) static void path_finish(void) {
  if (codec_failure.kind != CODEC_CONVERSION) return;
  codec_failure.path--;
  *(char *)codec_failure.path = '$';
}

static bool is_identifier(const char *text) {
  if (!*text || is_digit(*text)) return false;
  for (; *text; text++)
    if (!is_digit(*text) && !((*text | 32) >= 'a' && (*text | 32) <= 'z') && *text != '_' &&
        *text != '$')
      return false;
  return true;
}

/* A string as a script would write it, shortened, between `before` and `after`. */
__attribute__((cold)) static bool path_prepend_quoted(const char *before, const char *text,
                                                      const char *after) {
  char quoted[64];
  size_t length = 0;
  for (; *text && length < sizeof quoted - 6; text++) {
    if (*text == '"' || *text == '\\') quoted[length++] = '\\';
    quoted[length++] = (uint8_t)*text < 0x20 ? '?' : *text;
  }
  if (*text) {
    memcpy(quoted + length, "...", 3);
    length += 3;
  }
  quoted[length] = 0;
  return path_prepend("%s\"%s\"%s", before, quoted, after);
}

/* `.key` or `["key"]`. */
__attribute__((cold)) static bool path_prepend_key(JSContext *context, JSAtom key) {
  if (codec_failure.kind != CODEC_CONVERSION) return false;
  if (__JS_AtomIsTaggedInt(key)) return path_prepend("[%u]", (unsigned)__JS_AtomToUInt32(key));
  const char *text = JS_AtomToCString(context, key);
  if (!text) {
    JS_FreeValue(context, JS_GetException(context));
    return path_prepend(".?");
  }
  if (is_identifier(text) && strlen(text) < 64) path_prepend(".%s", text);
  else path_prepend_quoted("[", text, "]");
  JS_FreeCString(context, text);
  return false;
}

/* The value of a Map's entry. */
__attribute__((cold)) static bool path_prepend_entry(JSContext *context, JSValueConst key,
                                                     uint32_t index) {
  if (codec_failure.kind != CODEC_CONVERSION) return false;
  if (JS_VALUE_GET_TAG(key) == JS_TAG_INT) return path_prepend(".get(%d)", JS_VALUE_GET_INT(key));
  const char *text = JS_IsString(key) ? JS_ToCString(context, key) : NULL;
  if (!text) {
    if (JS_IsString(key)) JS_FreeValue(context, JS_GetException(context));
    return path_prepend(".entries()[%u][1]", (unsigned)index);
  }
  path_prepend_quoted(".get(", text, ")");
  JS_FreeCString(context, text);
  return false;
}
