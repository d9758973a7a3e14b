#include "viewer/widgets/HelpDialog.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QVBoxLayout>

#include <array>

namespace viewer {
namespace {

struct Entry {
    const char* keys;
    const char* what;
};

// An entry without keys is a heading.
constexpr std::array entries{
    Entry{"", "Move"},
    Entry{"W  S   or   wheel", "zoom in, zoom out, at the pointer"},
    Entry{"A  D   or   ← →   or   drag", "earlier, later"},
    Entry{"Shift + wheel", "earlier, later"},
    Entry{"↑ ↓  Page Up  Page Down  Alt + wheel", "scroll the lanes"},
    Entry{"click or drag in the overview", "go there"},
    Entry{"0   or   Home", "show all"},
    Entry{"Backspace", "undo the last zoom"},
    Entry{"", "Select"},
    Entry{"click", "select; its details are on the right"},
    Entry{"double click   or   F", "zoom to the selection"},
    Entry{", .", "previous, next in the same row"},
    Entry{"Shift + drag   or   drag in the ruler", "mark a range; its summary is on the right"},
    Entry{"M", "mark the selection's range"},
    Entry{"Escape", "select nothing"},
    Entry{"", "Find"},
    Entry{"/   or   Ctrl + F", "find by name; Enter and Shift + Enter go on"},
    Entry{"Ctrl + E", "filter the event list"},
    Entry{"Ctrl + L", "filter the lanes"},
    Entry{"", "Files"},
    Entry{"Ctrl + O", "open a trace; or drop one on the window"},
    Entry{"Ctrl + S", "save the picture as PNG or SVG"},
    Entry{"Ctrl + Q", "quit"},
};

} // namespace

HelpDialog::HelpDialog(QWidget* parent)
    : QDialog(parent) {
    setWindowTitle(tr("Keys and mouse"));
    QString html = QStringLiteral("<table cellspacing='0' cellpadding='3'>");
    for (const Entry& entry : entries) {
        QString keys =
            QString::fromUtf8(entry.keys).toHtmlEscaped().replace(QLatin1String("  "), QLatin1String("&nbsp;&nbsp;"));
        QString what = QString::fromUtf8(entry.what).toHtmlEscaped();
        html += keys.isEmpty()
                    ? QStringLiteral("<tr><td colspan='2'><br><b>%1</b></td></tr>").arg(what)
                    : QStringLiteral("<tr><td>%1&nbsp;&nbsp;&nbsp;&nbsp;</td><td>%2</td></tr>").arg(keys, what);
    }
    html += QStringLiteral("</table>");
    auto* text = new QLabel(html, this);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(text);
    layout->addWidget(buttons);
}

} // namespace viewer
