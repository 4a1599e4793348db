"""What the processes of `killed_process` have imported before they are forked."""

import maml_core.cli.commands
import maml_core.data.drawn_boards
import maml_core.data.own_pictures.image_folder  # noqa: F401
from maml_core.data.download.torchvision_import import import_torchvision_datasets

import_torchvision_datasets()
