"""The command line: one verb, one line of help, one module. A user's mistake is a line on stderr, never a traceback."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import NamedTuple

from prewatt import __version__
from prewatt.core.errors import Refusal


class Verb(NamedTuple):
    """A verb, the module of this room that runs it (``main(argv) -> exit status``), and its line of help."""

    name: str
    module: str
    help: str


VERBS = (
    Verb("demo", "demo", "a living demo building: simulator, head-end and console  一座活的演示大楼 (default)"),
    Verb("test", "develop", "run the tests on SQLite and PostgreSQL  运行测试"),
    Verb("serve", "serve", "production: store, head-end, worker and console  正式运行"),
    Verb("web", "web", "only the console  仅控制台"),
    Verb("headend", "headend", "only the head-end, which reads the lines  仅集抄服务"),
    Verb("gateway", "gateway", "the zone program: reads its lines, keeps readings, dials the head-end  通讯管理机程序"),
    Verb("store", "store", "only the store, which writes the database  仅存储服务"),
    Verb("worker", "worker", "only the worker, which seals the log  仅后台任务"),
    Verb("simulate", "simulate", "simulated meters that any Modbus master can read  模拟仪表"),
    Verb("import", "import_", "import an estate from one Excel workbook  导入 Excel 工作簿"),
    Verb("scan", "scan", "ask every address of a line who is there  扫描总线"),
    Verb("status", "status", "each unit as the console shows it  各户状态"),
    Verb("verify", "verify", "check the ledger's invariants and the hash chain  核对账目与日志链"),
    Verb("operator", "operator", "make the first operator, or give one a new password  操作员与密码"),
    Verb("pki", "pki", "the site's own certificates, and a key for each gateway  证书与网关密钥"),
    Verb("ups", "ups", "the mains failed (on), are back (off), or follow a UPS (watch)  停电与市电恢复信号"),
    Verb("profile", "profile", "check a register profile (a TOML file)  检查仪表规约文件"),
    Verb("lint", "develop", "style, import contracts and the tidy test  代码检查"),
    Verb("types", "develop", "strict type check  类型检查"),
    Verb("bench", "develop", "measure the figures: NAME value unit target verdict  性能指标"),
    Verb("docs", "develop", "build the documentation  生成文档"),
    Verb("messages", "develop", "list user texts that lack a translation  检查翻译"),
    Verb("help", "cli", "this page  帮助"),
)


def show_help() -> int:
    """Print every verb in a line."""
    print(
        f"Prewatt {__version__}: prepaid electricity for a building 预付费电能管理\n\nusage: ./run [verb] [options]\n"
    )
    for verb in VERBS:
        print(f"  {verb.name:<10}{verb.help}")
    print("\n./run VERB --help shows a verb's options. Data folder: PREWATT_HOME; port: PREWATT_PORT.")
    return 0


def entry() -> int:
    """Entry point of the ``prewatt`` command."""
    arguments = sys.argv[1:]
    name = arguments[0] if arguments else "demo"
    if name in {"help", "--help", "-h"}:
        return show_help()
    if name == "--version":
        print(__version__)
        return 0
    verb = next((verb for verb in VERBS if verb.name == name), None)
    if verb is None:
        print(f"prewatt: there is no verb '{name}'. ./run help lists them.", file=sys.stderr)
        return 2
    return run(verb, arguments[1:])


def run(verb: Verb, arguments: list[str]) -> int:
    """Run one verb; turn expected trouble into a line and an exit status."""
    follow_parent()
    try:
        module = importlib.import_module(f"prewatt.main.{verb.module}")
        status = module.main([verb.name, *arguments] if verb.module == "develop" else arguments)
        return int(status or 0)
    except Refusal as refusal:
        print(f"prewatt: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def follow_parent() -> None:
    """Under a supervisor, ask the kernel to end this process with it: kill -9 of the parent leaves no orphan."""
    parent = os.environ.get("PREWATT_SUPERVISOR")
    if not parent:
        return
    if sys.platform == "linux":
        import ctypes  # only here: the one call has no wrapper

        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != int(parent):
        os._exit(1)


if __name__ == "__main__":
    sys.exit(entry())
