#pragma once
// What the windows' tests share: an application without a display, and a way to wait for a worker thread.

#include <QApplication>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTest>

#include <gtest/gtest.h>

namespace viewer {

struct WidgetTest : testing::Test {
    struct Platform { // before the application reads it
        Platform() {
            qputenv("QT_QPA_PLATFORM", "offscreen");
            QStandardPaths::setTestModeEnabled(true); // no settings of whoever runs the test
        }
    };
    Platform platform;
    int argument_count = 1;
    char name[16] = "uniscope-test";
    char* arguments[2] = {name, nullptr};
    QApplication application{argument_count, arguments};

    /// Waits for a signal, unless it has come already.
    static bool wait_for(QSignalSpy& spy) { return !spy.isEmpty() || spy.wait(30'000); }
};

} // namespace viewer
