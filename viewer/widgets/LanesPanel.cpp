#include "viewer/widgets/LanesPanel.h"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QListWidget>
#include <QSignalBlocker>
#include <QToolButton>
#include <QVBoxLayout>

namespace viewer {

LanesPanel::LanesPanel(QWidget* parent)
    : QWidget(parent)
    , m_pattern(new QLineEdit(this))
    , m_list(new QListWidget(this)) {
    m_pattern->setPlaceholderText(tr("Show lanes: cpu 0, worker*, tid 12"));
    m_pattern->setClearButtonEnabled(true);
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setUniformItemSizes(true);
    auto* all = new QToolButton(this);
    all->setText(tr("All"));
    all->setToolTip(tr("Check every lane"));
    auto* none = new QToolButton(this);
    none->setText(tr("None"));
    none->setToolTip(tr("Uncheck every lane"));
    auto* line = new QHBoxLayout;
    line->setContentsMargins(6, 4, 6, 4);
    line->addWidget(m_pattern, 1);
    line->addWidget(all);
    line->addWidget(none);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(line);
    layout->addWidget(m_list, 1);
    connect(m_pattern, &QLineEdit::textChanged, this, &LanesPanel::filter_changed);
    connect(m_list, &QListWidget::itemChanged, this, &LanesPanel::filter_changed);
    connect(all, &QToolButton::clicked, this, [this] { check_all(true); });
    connect(none, &QToolButton::clicked, this, [this] { check_all(false); });
}

void LanesPanel::set_index(std::shared_ptr<const Index> index) {
    const QSignalBlocker quiet(m_list);
    m_list->clear();
    if (!index)
        return;
    for (const Lane& lane : index->lanes()) {
        QString text = QString::fromStdString(lane.name);
        if (!lane.note.empty())
            text += QStringLiteral("  ·  ") + QString::fromStdString(lane.note);
        auto* item = new QListWidgetItem(text, m_list);
        item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsUserCheckable | Qt::ItemIsSelectable);
        item->setCheckState(Qt::Checked);
    }
}

void LanesPanel::set_pattern(const QString& pattern) {
    m_pattern->setText(pattern);
}

LaneFilter LanesPanel::filter() const {
    LaneFilter filter{m_pattern->text().toStdString(), {}};
    for (int i = 0; i < m_list->count(); ++i) {
        if (m_list->item(i)->checkState() == Qt::Unchecked)
            filter.hidden.insert(static_cast<std::uint32_t>(i));
    }
    return filter;
}

void LanesPanel::check_all(bool is_shown) {
    {
        const QSignalBlocker quiet(m_list);
        for (int i = 0; i < m_list->count(); ++i)
            m_list->item(i)->setCheckState(is_shown ? Qt::Checked : Qt::Unchecked);
    }
    Q_EMIT filter_changed();
}

} // namespace viewer
