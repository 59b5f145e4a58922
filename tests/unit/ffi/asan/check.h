/* A few lines of test frame: a check that fails marks its test, and the run goes on. */
#ifndef PACT_CHECK_H
#define PACT_CHECK_H

struct test {
  const char *name; /* a sentence */
  void (*run)(void);
};

/* Marks the running test as failed; `what` is the condition's text. */
void record_failure(const char *file, int line, const char *what, long long value);

#define CHECK(condition) \
  ((condition) ? (void)0 : record_failure(__FILE__, __LINE__, #condition, 0))
#define CHECK_EQUAL(actual, expected)                                              \
  do {                                                                             \
    long long seen = (long long)(actual);                                          \
    if (seen != (long long)(expected))                                             \
      record_failure(__FILE__, __LINE__, #actual " == " #expected, seen);          \
  } while (0)

#endif
