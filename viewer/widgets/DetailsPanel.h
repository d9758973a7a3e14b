#pragma once
// DetailsPanel: everything about the selected interval or event. On the UI thread.

#include "viewer/model/Details.h"

#include <QTreeWidget>

#include <memory>

namespace viewer {

class DetailsPanel : public QTreeWidget {
    Q_OBJECT

public:
    explicit DetailsPanel(QWidget* parent = nullptr);

    void set_index(std::shared_ptr<const Index> index);
    void show_pick(std::optional<Pick> pick);
    void show_event(std::uint32_t row);

    QSize sizeHint() const override { return {320, 260}; }

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    void show_details(const Details& details);
    /// How its duration compares with that of all others of the same name in its track.
    void add_comparison(Pick pick);
    void add(const QString& name, const QString& value);

    std::shared_ptr<const Index> m_index;
};

} // namespace viewer
