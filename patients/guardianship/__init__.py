"""Who may act for whom: guardians of children, proxies of adults, and where the truth about them is."""
