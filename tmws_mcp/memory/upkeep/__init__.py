"""What keeps a store in shape: near duplicates, echoes, quota, expiry, consolidation."""
