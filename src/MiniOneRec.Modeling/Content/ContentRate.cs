namespace MiniOneRec.Modeling;

/// <summary>How fast a part of the content's weights learns, relative to the model.</summary>
internal enum ContentRate
{
    /// <summary>The projection at the input.</summary>
    Input,

    /// <summary>The maps of the history's vectors.</summary>
    Map,

    /// <summary>The map of the hidden state.</summary>
    Hidden,

    /// <summary>The items' own vectors.</summary>
    Residual,

    /// <summary>Scale and biases.</summary>
    Bias,
}
