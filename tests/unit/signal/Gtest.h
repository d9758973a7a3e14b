#pragma once
// GoogleTest brings <signal.h>, whose function has the name of this folder's namespace: here it gets another.
#define signal signal_of_libc
#include <gtest/gtest.h>
#undef signal
