namespace MiniOneRec.Studies;

/// <summary>What a text is made of, so that it can be damaged by its parts.</summary>
internal enum FuzzStructure
{
    /// <summary>Bytes alone.</summary>
    None,

    /// <summary>One JSON value.</summary>
    Json,

    /// <summary>A JSON value per line.</summary>
    JsonLines,

    /// <summary>Lines of cells that tabs separate.</summary>
    Tabs,

    /// <summary>Lines of cells that commas separate.</summary>
    Commas,

    /// <summary>A chat template.</summary>
    Template,
}
