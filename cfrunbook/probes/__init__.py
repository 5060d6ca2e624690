"""What the network says: asyncio, bounded in time and bytes, no judgement."""
