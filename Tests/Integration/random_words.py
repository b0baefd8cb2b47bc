"""Prints a JSON array of words that are hard on quoting, the same for the same seed: none is empty or begins with `--`.

usage: random_words.py SEED COUNT
"""

import json
import random
import sys

PIECES = [" ", "  ", "\t", "\n", "\r", "'", '"', "\\", "\\\\", "-", "=", "{", "}", "$", "#", ";", "&", "\x01", "\x7f"]
PIECES += ["a", "Z", "0", "word", "é", "日本", "🙂", "\u00a0", "\u2028"] * 2

numbers = random.Random(int(sys.argv[1]))
words = []
while len(words) < int(sys.argv[2]):
    word = "".join(numbers.choice(PIECES) for _ in range(numbers.randint(1, 8)))
    if not word.startswith("--"):
        words.append(word)
print(json.dumps(words))
