#pragma once
// LanesPanel: which lanes are shown: a pattern, and a check box for each. On the UI thread.

#include "viewer/model/Index.h"
#include "viewer/model/LaneFilter.h"

#include <QWidget>

#include <memory>

class QLineEdit;
class QListWidget;

namespace viewer {

class LanesPanel : public QWidget {
    Q_OBJECT

public:
    explicit LanesPanel(QWidget* parent = nullptr);

    void set_index(std::shared_ptr<const Index> index);
    void set_pattern(const QString& pattern);
    LaneFilter filter() const;
    QLineEdit& pattern_box() { return *m_pattern; }
    QListWidget& list() { return *m_list; }

    QSize sizeHint() const override { return {320, 200}; }

Q_SIGNALS:
    void filter_changed();

private:
    void check_all(bool is_shown);

    QLineEdit* m_pattern;
    QListWidget* m_list;
};

} // namespace viewer
