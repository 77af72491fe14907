"""python -m confgen"""

from confgen.cli import main

if __name__ == "__main__":
    main()
