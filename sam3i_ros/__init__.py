"""ROS 2 side of the project; `msg` and `srv` below it are generated when it is built."""

from pkgutil import extend_path

# A checkout and the place where the interfaces were installed are one package.
__path__ = extend_path(__path__, __name__)
