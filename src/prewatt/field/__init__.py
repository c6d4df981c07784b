"""The wire side: links, lines, head-end, gateway and simulator. asyncio, no Django, no database."""
