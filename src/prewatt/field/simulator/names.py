"""Names over the doors of a building that does not exist: made from word lists, so that no real business is meant."""

from __future__ import annotations

from random import Random

_FIRST = "澄砚檀岫汀栩苓珩箬芷昀屿泓穗楠霁"
_SECOND = "野川庐桥墨舟禾枝陌谷帆亭石岚渡林"

USES = {
    "office": "办公",
    "restaurant": "餐饮",
    "server": "机房",
    "clothes": "服装",
    "drinks": "茶饮咖啡",
    "salon": "美容美发",
    "gym": "健身",
    "school": "教育培训",
    "store": "便利超市",
    "clinic": "诊所",
    "storage": "仓储",
    "public": "公共设施",
    "steady": "试验负载",
}

_TRADES = {
    "office": (
        "信息技术有限公司",
        "建筑设计事务所",
        "律师事务所",
        "会计师事务所",
        "文化传播工作室",
        "商贸有限公司",
        "咨询有限公司",
    ),
    "restaurant": ("小厨", "面馆", "烤鱼", "江浙菜", "火锅", "砂锅粥"),
    "server": ("数据机房", "网络机房", "云计算机房"),
    "clothes": ("服饰", "女装", "童装", "裁缝铺", "鞋履"),
    "drinks": ("茶铺", "咖啡", "鲜果茶", "烘焙坊"),
    "salon": ("美发沙龙", "美甲", "皮肤管理"),
    "gym": ("健身", "瑜伽馆", "羽毛球馆"),
    "school": ("少儿美术", "琴行", "外语培训", "职业培训学校"),
    "store": ("便利店", "生鲜超市", "水果店"),
    "clinic": ("口腔诊所", "中医诊所", "康复门诊"),
    "storage": ("仓储", "快递驿站", "档案库"),
    "public": ("物业公共照明", "充电车棚", "水泵房"),
    "steady": ("试验台",),
}


class Namer:
    """Gives each tenant a name nobody else in the building has."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._pairs = [a + b for a in _FIRST for b in _SECOND]
        rng.shuffle(self._pairs)

    def name(self, kind: str) -> str:
        """A name for a tenant of that kind of use. Raises IndexError after 256 tenants."""
        return self._pairs.pop() + self._rng.choice(_TRADES[kind])
