#pragma once
// HelpDialog: the keys and the mouse, in a table. The same table is in docs/viewer.md.

#include <QDialog>

namespace viewer {

class HelpDialog : public QDialog {
    Q_OBJECT

public:
    explicit HelpDialog(QWidget* parent = nullptr);
};

} // namespace viewer
