"""Lists of clips in other formats than the manifest's: tables, JSON and official data set lists."""
