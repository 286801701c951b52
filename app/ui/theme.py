"""The look: neutral greys, so that pictures are what one sees; one accent for what the user picked."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

WINDOW: Final = "#2a2a2a"
PANEL: Final = "#303030"
WELL: Final = "#1b1b1b"
LINE: Final = "#3d3d3d"
TEXT: Final = "#d8d8d8"
DIM: Final = "#979797"
FAINT: Final = "#6b6b6b"
# Okabe and Ito's palette: told apart with every common form of colour blindness.
ACCENT: Final = "#e69f00"
SKY: Final = "#56b4e9"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
ROSE: Final = "#cc79a7"
RECORD: Final = "#e0443e"

SMALL_PX: Final = 12
"""Height of the letters in title lines and the status bar, in logical pixels."""

ASSETS: Final = (Path(__file__).parent / "assets").as_posix()
"""Where the style sheet finds its arrows and ticks."""

STYLE: Final = f"""
QWidget {{ font-size: 13px; }}
QToolTip {{ background: {PANEL}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMainWindow::separator {{ background: {WINDOW}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {LINE}; }}
QMenuBar {{ background: {WINDOW}; padding: 1px 4px; }}
QMenuBar::item {{ padding: 3px 8px; border-radius: 3px; }}
QMenuBar::item:selected {{ background: {LINE}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 4px 26px 4px 24px; border-radius: 3px; }}
QMenu::item:selected {{ background: #454545; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolBar {{ background: {WINDOW}; border: none; border-bottom: 1px solid {LINE}; spacing: 2px;
    padding: 3px 6px; }}
QToolBar::separator {{ background: {LINE}; width: 1px; margin: 5px 5px; }}
QToolButton {{ border: none; border-radius: 4px; padding: 4px 6px; color: {TEXT}; }}
QToolButton:hover {{ background: {LINE}; }}
QToolButton:pressed, QToolButton:checked {{ background: #4a4a4a; }}
QToolButton:disabled {{ color: {FAINT}; }}
#pageSwitch QToolButton {{ border-radius: 0; border-bottom: 2px solid transparent; padding: 1px 10px 0 10px;
    color: {DIM}; }}
#pageSwitch QToolButton:hover {{ background: transparent; color: {TEXT}; border-bottom-color: {FAINT}; }}
#pageSwitch QToolButton:checked {{ background: transparent; color: {TEXT}; border-bottom-color: {ACCENT}; }}
QToolBar QComboBox {{ min-height: 22px; }}
QComboBox {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 4px; padding: 1px 8px; }}
#syncPanel {{ background: {PANEL}; border-right: 1px solid {LINE}; }}
#syncPanel QComboBox {{ background: {WELL}; min-height: 22px; }}
#syncVerdict {{ background: {PANEL}; border-bottom: 1px solid {LINE}; }}
QTableView#syncSteps {{ background: {WELL}; alternate-background-color: #202020;
    selection-background-color: #3a3a3a; selection-color: {TEXT}; }}
QTableView#syncSteps::item {{ padding-left: 9px; }}
#syncSteps QHeaderView::section {{ background: {WINDOW}; color: {DIM}; border: none; padding: 3px 12px;
    font-size: {SMALL_PX}px; }}
QTableView#datasetTable {{ background: {WELL}; alternate-background-color: #202020;
    selection-background-color: #454545; selection-color: {TEXT}; }}
QTableView#datasetTable::item {{ padding: 0 7px; }}
#datasetTable QHeaderView::section {{ background: {WINDOW}; font-size: {SMALL_PX}px; padding: 4px 7px; }}
#rigPanel QComboBox, #rigFound QComboBox {{ background: {WELL}; min-height: 22px; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url({ASSETS}/down.svg); width: 10px; height: 10px; }}
QComboBox:disabled {{ color: {FAINT}; }}
QComboBox:focus, QLineEdit:focus, QDoubleSpinBox:focus, QSpinBox:focus {{ border-color: {DIM}; }}
QComboBox:hover {{ border-color: #565656; }}
QComboBox#layerChooser {{ background: transparent; border: none; padding: 0 2px; font-size: {SMALL_PX}px; }}
QComboBox#layerChooser:hover {{ background: {LINE}; }}
QComboBox QAbstractItemView {{ background: {PANEL}; border: 1px solid {LINE};
    selection-background-color: #454545; }}
QStatusBar {{ background: {WINDOW}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QDockWidget {{ color: {DIM}; font-size: {SMALL_PX}px; }}
QDockWidget::title {{ background: {WINDOW}; padding: 3px 8px; text-align: left; }}
QLabel[role="dim"] {{ color: {DIM}; }}
QLabel[role="section"] {{ color: {DIM}; font-size: {SMALL_PX}px; font-weight: 600; padding-top: 5px; }}
QHeaderView::section {{ background: {PANEL}; color: {DIM}; border: none; padding: 4px 6px; }}
QTreeView, QTableWidget {{ border: 1px solid {LINE}; border-radius: 4px; }}
QTabWidget::pane {{ border: none; }}
QTabBar {{ background: {WINDOW}; }}
QTabBar::tab {{ background: {WINDOW}; color: {DIM}; padding: 5px 14px;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom: 2px solid {ACCENT}; }}
QTabBar::tab:hover {{ color: {TEXT}; }}
QToolButton[framed="true"] {{ border: 1px solid #4a4a4a; background: #3a3a3a; padding: 4px 12px; }}
QToolButton[framed="true"]:checked {{ background: #565656; border-color: #8a8a8a; }}
QSlider::groove:horizontal {{ height: 4px; background: {WELL}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: #6a6a6a; border-radius: 2px; }}
QSlider::sub-page:horizontal:disabled {{ background: {LINE}; }}
QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -4px 0; border-radius: 6px;
    background: #b4b4b4; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {TEXT}; }}
QSlider::handle:horizontal:disabled {{ background: #5a5a5a; }}
QLabel[role="small"] {{ font-size: {SMALL_PX}px; }}
QLabel[role="smalldim"] {{ font-size: {SMALL_PX}px; color: {DIM}; }}
QPushButton {{ background: #3a3a3a; border: 1px solid #4a4a4a; border-radius: 4px; padding: 4px 12px; }}
QPushButton:hover {{ background: #444444; }}
QPushButton:pressed {{ background: #4e4e4e; }}
QPushButton:default {{ border-color: #7a7a7a; }}
QLineEdit, QDoubleSpinBox, QSpinBox {{ background: {WELL}; border: 1px solid {LINE}; border-radius: 4px;
    padding: 3px 6px; selection-background-color: #5a5a5a; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QPushButton:checked {{ background: #565656; border-color: #8a8a8a; }}
QPushButton:disabled {{ color: {FAINT}; border-color: {LINE}; }}
QPushButton:focus {{ border-color: {DIM}; }}
QScrollArea {{ border: none; }}
QCheckBox {{ spacing: 7px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {FAINT}; border-radius: 3px;
    background: {WELL}; }}
QCheckBox::indicator:hover, QCheckBox::indicator:focus {{ border-color: {DIM}; }}
QCheckBox::indicator:checked {{ background: #5a5a5a; border-color: {DIM}; image: url({ASSETS}/check.svg); }}
#cameraCard {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 7px; }}
#cameraCard:hover {{ border-color: #565656; }}
#rigPanel {{ background: {PANEL}; border-left: 1px solid {LINE}; }}
#rigPanelBody {{ background: {PANEL}; }}
#rigPlace[hot="true"] {{ background: #454545; border-radius: 6px; }}
"""


def apply_theme(application: QApplication) -> None:
    """Give the application its dark palette and style sheet, whatever the desktop's theme is."""
    QGuiApplication.styleHints().setColorScheme(Qt.ColorScheme.Dark)
    application.setStyle("Fusion")
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in {
        roles.Window: WINDOW,
        roles.Base: WELL,
        roles.AlternateBase: PANEL,
        roles.Button: PANEL,
        roles.ToolTipBase: PANEL,
        roles.WindowText: TEXT,
        roles.Text: TEXT,
        roles.ButtonText: TEXT,
        roles.ToolTipText: TEXT,
        roles.BrightText: "#ffffff",
        roles.PlaceholderText: FAINT,
        roles.Highlight: "#5a5a5a",
        roles.HighlightedText: "#ffffff",
        roles.Link: SKY,
        roles.Light: "#484848",
        roles.Midlight: "#404040",
        roles.Mid: "#353535",
        roles.Dark: "#202020",
        roles.Shadow: "#101010",
        roles.Accent: "#8a8a8a",
    }.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(FAINT))
    application.setPalette(palette)
    application.setStyleSheet(STYLE)
