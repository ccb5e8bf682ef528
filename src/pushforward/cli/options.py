"""The options of the commands, with their help."""

from pathlib import Path
from typing import Annotated

import typer

Tables = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE...",
        help="CSV, TSV, Parquet or Feather files, or folders of them; several are one table.",
    ),
]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that `pushforward fit` wrote.")]
TableOutput = Annotated[
    Path, typer.Option("-o", "--output", help="Where to write: .csv, .tsv, .parquet or .feather.")
]
ModelOutput = Annotated[
    Path, typer.Option("-o", "--output", help="Where to write the model: a .safetensors file.")
]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors, and what --json asks for.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Debug = Annotated[bool, typer.Option("--debug", help="After an error, show where it happened.")]
Seed = Annotated[int, typer.Option("--seed", help="Where the random numbers start.", min=0)]

FlowName = Annotated[
    str, typer.Option("--flow", help="A recipe, such as nsf, nsf-ar, maf or realnvp; auto chooses one.")
]
RecipeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="An argument of the recipe, such as layers=4; may be repeated."
    ),
]
Columns = Annotated[
    str | None, typer.Option("--columns", help="The columns to use, such as AT,AP,CO. By default all.")
]
MaxSeconds = Annotated[
    float | None, typer.Option("--max-seconds", help="The most seconds of fitting, compilation included.")
]
MaxEpochs = Annotated[
    int | None, typer.Option("--max-epochs", help="The most passes over the training rows.")
]
Validation = Annotated[
    float,
    typer.Option("--validation", help="Share of the rows held out to choose the best flow; 0 for none."),
]
HeldOut = Annotated[
    str,
    typer.Option(
        "--holdout",
        metavar="random|last",
        help="Which rows are held out; last is right for rows in time order.",
    ),
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Rows of a training step.")]
Patience = Annotated[
    float | None, typer.Option("--patience", help="Stop after so many epochs without improvement.")
]
Missing = Annotated[
    str,
    typer.Option(
        "--missing",
        metavar="refuse|drop|model",
        help="Missing and infinite numbers: refuse the table, drop such rows, or model them as values of their own.",
    ),
]
ColumnKind = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=KIND",
        help="What a column is, such as age=count, share=interval(0,100), wind=angle(360), code=categorical or "
        "name=identifier; may be repeated.",
    ),
]
SchemaFile = Annotated[
    Path | None,
    typer.Option(
        "--schema", help="A file that says what the columns are: what `info TABLE --json` prints, edited."
    ),
]
Given = Annotated[
    str | None,
    typer.Option(
        "--given", help="Columns that are given, such as a,b: the others are fitted conditional on them."
    ),
]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="A file that keeps the run, to resume it from.")
]
Stream = Annotated[
    bool | None,
    typer.Option(
        "--stream/--no-stream",
        help="Read the table from the disk again and again, in constant memory. By default if its numbers would take "
        "more than an eighth of the memory.",
    ),
]
Devices = Annotated[
    str,
    typer.Option(
        "--devices",
        metavar="N|all|auto",
        help="Share the rows of each batch among so many devices; the cores of a machine without an accelerator are "
        "devices. auto: one accelerator, or up to four cores if the flow gains by them.",
    ),
]
HistoryOutput = Annotated[
    Path | None, typer.Option("--history", help="Where to write the course of the training, as a table.")
]

Rows = Annotated[int, typer.Option("-n", "--rows", help="How many rows to draw.")]
WithLogProb = Annotated[
    bool, typer.Option("--with-log-prob", help="Add a column log_prob: log-densities in nats.")
]
WithColumns = Annotated[
    bool, typer.Option("--with-columns", help="Write the model's columns before log_prob.")
]
SkipMissing = Annotated[
    str,
    typer.Option(
        "--missing",
        metavar="refuse|drop",
        help="Missing and infinite numbers: refuse the table, or give such rows no log_prob.",
    ),
]
Conditions = Annotated[
    str | None,
    typer.Option(
        "--given",
        metavar="NAME=VALUE,...|TABLE",
        help="Values of the columns that the model is conditional on, or a table of them, with -n rows for each of its "
        "rows.",
    ),
]
ModelOrTable = Annotated[Path, typer.Argument(help="A model file, or a table.", metavar="MODEL|TABLE")]
Explain = Annotated[
    int,
    typer.Option(
        "--explain", help="Name the columns that make the N least likely rows unlikely.", metavar="N"
    ),
]
Reference = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference",
        help="A table for the column rank, the share of its rows that are less likely, in place of the training rows "
        "that the model remembers; may be repeated.",
    ),
]
