namespace MiniOneRec.Modeling;

/// <summary>Names what a model folder needs beside the weights. Templates that write text implement it, for their tokenizer.</summary>
internal interface ICheckpointContent
{
    /// <summary>Makes the options that write the content.</summary>
    /// <exception cref="NotSupportedException">The content cannot be saved.</exception>
    HuggingFaceSaveOptions DescribeContent();
}
