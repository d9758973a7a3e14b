/* The peer's event: LTTng-UST's tracepoint with the same fields. Included several times by LTTng's own headers. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER uniscope_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./LttngProvider.h"

#if !defined(UNISCOPE_BENCH_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define UNISCOPE_BENCH_LTTNG_PROVIDER_H

#include <lttng/tracepoint.h>
#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(uniscope_bench, event, LTTNG_UST_TP_ARGS(int32_t, number, uint64_t, value),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int32_t, number, number)
                                                   lttng_ust_field_integer(uint64_t, value, value)))

#endif

#include <lttng/tracepoint-event.h>
