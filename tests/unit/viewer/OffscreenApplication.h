#pragma once
// A Qt application without a display. Make one in the fixture of each test that paints.

#include <QGuiApplication>

namespace viewer {

class OffscreenApplication {
    struct Platform { // before the application reads it
        Platform() { qputenv("QT_QPA_PLATFORM", "offscreen"); }
    };
    Platform m_platform;
    int m_argument_count = 1;
    char m_name[16] = "uniscope-test";
    char* m_arguments[2] = {m_name, nullptr};
    QGuiApplication m_application{m_argument_count, m_arguments};
};

} // namespace viewer
