"""The import workbook as people know it: six sheets and their columns, in English and Chinese.

Titles and allowed values of both languages are understood wherever they are read; what is written shows both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prewatt.office.estate.models import GatewayKind, GroupKind, MeterRole, Parity


class Kind(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    WHOLE = "whole number"
    CHOICE = "choice"
    YES_NO = "yes or no"
    YUAN = "credit"  # yuan, or kWh for a purse that counts energy
    KWH = "kWh"
    AREA = "m²"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: canonical English name, Chinese title, other titles people use, and how its cells are read."""

    name: str
    title: str
    kind: Kind = Kind.TEXT
    required: bool = False
    also: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # allowed value → other ways to write it
    example: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: canonical English name, Chinese title, columns in the order they are written."""

    name: str
    title: str
    columns: tuple[Column, ...]
    also: tuple[str, ...] = ()


_GROUP_KINDS = {
    GroupKind.ZONE.value: ("区域", "区", "分区"),
    GroupKind.BUILDING.value: ("楼", "楼栋", "建筑"),
    GroupKind.FLOOR.value: ("层", "楼层"),
    GroupKind.GROUP.value: ("组", "分组", "建筑群"),
}
_GATEWAY_KINDS = {
    GatewayKind.TRANSPARENT.value: ("透明", "透传", "透明网关"),
    GatewayKind.MODBUS_TCP.value: ("modbus tcp", "modbustcp"),
    GatewayKind.SERIAL.value: ("串口", "串行口"),
    GatewayKind.PREWATT.value: ("prewatt 网关",),
    GatewayKind.ACREL.value: ("安科瑞",),
}
_PARITIES = {
    Parity.NONE.value: ("none", "无", "无校验"),
    Parity.EVEN.value: ("even", "偶", "偶校验"),
    Parity.ODD.value: ("odd", "奇", "奇校验"),
}
_ROLES = {
    MeterRole.PREPAID.value: ("预付费", "预付费表", "预付费仪表"),
    MeterRole.INSTRUMENT.value: ("仪表", "计量", "计量仪表"),
    MeterRole.LINE_TOTAL.value: ("总表", "总线总表"),
}

SHEETS = (
    Sheet(
        "groups",
        "建筑群",
        (
            Column("name", "名称", required=True, example="A区 3层"),
            Column("kind", "类型", Kind.CHOICE, required=True, values=_GROUP_KINDS, example="floor"),
            Column("parent", "上级", also=("上级建筑群",), example="A区"),
        ),
    ),
    Sheet(
        "gateways",
        "通讯管理机",
        (
            Column("name", "名称", required=True, example="A区通讯管理机"),
            Column("kind", "类型", Kind.CHOICE, required=True, values=_GATEWAY_KINDS, example="transparent"),
            Column("host", "主机", also=("地址", "IP", "IP地址"), example="192.168.1.20"),
            Column("port", "端口", Kind.WHOLE, example="4001"),
            Column("device", "设备", also=("串口",), example=""),
            Column("zone", "区域", example="A区"),
            Column("cabinet", "配电箱", also=("柜号", "配电柜", "电柜"), example="A区弱电间"),
        ),
        also=("网关",),
    ),
    Sheet(
        "lines",
        "总线",
        (
            Column("name", "名称", required=True, example="A区-1"),
            Column("gateway", "通讯管理机", required=True, also=("网关",), example="A区通讯管理机"),
            Column("channel", "通道", Kind.WHOLE, example="1"),
            Column("baud", "波特率", Kind.WHOLE, example="9600"),
            Column("parity", "校验位", Kind.CHOICE, also=("校验",), values=_PARITIES, example="N"),
            Column("mixed", "混挂", Kind.YES_NO, also=("混装",), example="no"),
        ),
    ),
    Sheet(
        "meters",
        "仪表",
        (
            Column("name", "名称", required=True, example="A301 电表"),
            Column("line", "总线", required=True, example="A区-1"),
            Column("address", "地址", Kind.WHOLE, required=True, also=("通讯地址", "表地址"), example="1"),
            Column("profile", "规约", required=True, also=("型号", "仪表型号"), example="acrel-ddsy1352-nk"),
            Column("serial", "表号", also=("出厂编号", "序列号"), example="261100000001"),
            Column("place", "链上位置", Kind.WHOLE, also=("位置", "序号"), example="1"),
            Column("cabinet", "配电箱", also=("柜号", "配电柜", "电柜"), example="3层强电井"),
            Column("unit", "户号", example="A301"),
            Column("circuit", "回路", example=""),
            Column("role", "用途", Kind.CHOICE, also=("角色",), values=_ROLES, example="prepaid"),
            Column("ct", "CT变比", Kind.WHOLE, also=("CT 变比", "电流变比", "CT"), example="1"),
            Column("pt", "PT变比", Kind.WHOLE, also=("PT 变比", "电压变比", "PT"), example="1"),
        ),
        also=("电表",),
    ),
    Sheet(
        "units",
        "户号",
        (
            Column("number", "户号", required=True, also=("编号",), example="A301"),
            Column("name", "名称", example=""),
            Column("group", "建筑群", also=("楼层", "所属建筑群"), example="A区 3层"),
            Column("use", "用电性质", example="餐饮"),
            Column("protected", "保护", Kind.YES_NO, also=("重要负荷",), example="no"),
            Column("area", "面积", Kind.AREA, example="86.5"),
        ),
        also=("单元",),
    ),
    Sheet(
        "customers",
        "用户",
        (
            Column("name", "名称", required=True, also=("姓名", "用户名称", "商户"), example="老何小面店"),
            Column("phone", "电话", also=("手机", "联系电话"), example="13800000000"),
            Column("unit", "户号", required=True, example="A301"),
            Column("meters", "仪表", Kind.NAMES, also=("电表",), example="A301 电表"),
            Column("opening_credit", "期初金额", Kind.YUAN, also=("初始金额", "剩余金额"), example="150.25"),
            Column("opening_reading", "期初读数", Kind.KWH, also=("初始读数", "表底"), example="12345.67"),
        ),
        also=("商户",),
    ),
)
HELP_SHEET = "help 说明"
BY_NAME = {sheet.name: sheet for sheet in SHEETS}


def heading(thing: Sheet | Column) -> str:
    """What a written workbook shows: ``meters 仪表``, ``name* 名称``."""
    star = "*" if isinstance(thing, Column) and thing.required else ""
    return f"{thing.name}{star} {thing.title}"


def find_sheet(title: str) -> Sheet | None:
    """The sheet of a title as somebody wrote it."""
    return next((sheet for sheet in SHEETS if _means(title, sheet)), None)


def find_column(sheet: Sheet, title: str) -> Column | None:
    """The column of a title as somebody wrote it."""
    return next((column for column in sheet.columns if _means(title, column)), None)


def is_help(title: str) -> bool:
    """Whether a sheet is the template's page of explanations."""
    return bool(_words(title)) and set(_words(title)) <= {"help", "说明"}


def _means(written: str, thing: Sheet | Column) -> bool:
    """A title alone, or the words of one after the other as in ``name* 名称``."""
    known = {title.casefold() for title in (thing.name, thing.title, *thing.also)}
    words = _words(written)
    return " ".join(words) in known or (bool(words) and all(word in known for word in words))


def _words(title: str) -> list[str]:
    return title.replace("*", " ").replace("（", " ").replace("）", " ").casefold().split()
